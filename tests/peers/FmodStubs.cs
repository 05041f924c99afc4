// As much of FMOD for Unity as the guide's snippet uses.

using System;

namespace AOT
{
    [AttributeUsage(AttributeTargets.Method)]
    public class MonoPInvokeCallbackAttribute : Attribute { public MonoPInvokeCallbackAttribute(Type type) { } }
}

namespace FMOD
{
    public enum RESULT { OK }

    public struct StringWrapper { public static implicit operator string(StringWrapper text) { return ""; } }
}

namespace FMOD.Studio
{
    public enum EVENT_CALLBACK_TYPE : uint { TIMELINE_MARKER = 0x00000800 }

    public delegate RESULT EVENT_CALLBACK(EVENT_CALLBACK_TYPE type, IntPtr instance, IntPtr parameters);

    public struct TIMELINE_MARKER_PROPERTIES { public StringWrapper name; public int position; }

    public struct EventInstance
    {
        public RESULT setCallback(EVENT_CALLBACK callback, EVENT_CALLBACK_TYPE mask) { return RESULT.OK; }
    }
}

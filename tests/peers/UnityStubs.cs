// As much of UnityEngine as the loader and the guide's snippets use: enough to compile them and to run the loader frame by frame.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Reflection;
using System.Text;

namespace UnityEngine
{
    public class Object { }

    public class Component : Object
    {
        public GameObject gameObject;
        public T GetComponent<T>() where T : class { return gameObject.GetComponent<T>(); }
        public Transform transform { get { return gameObject.transform; } }
    }

    public class Behaviour : Component { public bool enabled = true; }

    public class MonoBehaviour : Behaviour { }

    public class Transform { public Vector3 position; public Vector3 localScale; }

    public struct Vector3
    {
        public static Vector3 one { get { return new Vector3(); } }
        public static Vector3 operator *(Vector3 v, float f) { return v; }
    }

    public class GameObject : Object
    {
        private readonly List<Component> components = new List<Component>();
        public Transform transform = new Transform();

        public T AddComponent<T>() where T : Component, new()
        {
            T made = new T();
            made.gameObject = this;
            components.Add(made);
            return made;
        }

        public T GetComponent<T>() where T : class
        {
            foreach (Component one in components)
            {
                if (one is T) { return one as T; }
            }
            return null;
        }
    }

    public class TextAsset : Object
    {
        public readonly string text;
        public TextAsset(string text) { this.text = text; }
    }

    public class AudioClip : Object
    {
        public int frequency;
        public int samples;
        public float length { get { return (float)samples / frequency; } }
    }

    public class AudioSource : Behaviour
    {
        public AudioClip clip;
        public int timeSamples;
        public bool isPlaying;
        public bool loop;
        public float pitch = 1;
    }

    public static class Time { public static float unscaledDeltaTime = 1f / 60; }

    public static class Debug { public static void Log(object message) { Console.WriteLine(message); } }

    [AttributeUsage(AttributeTargets.Class)]
    public class RequireComponent : Attribute { public RequireComponent(Type type) { } }

    [AttributeUsage(AttributeTargets.Field)]
    public class TooltipAttribute : Attribute { public TooltipAttribute(string text) { } }

    /// <summary>What JsonUtility does with objects, arrays, strings and numbers: public fields by name, others passed over.</summary>
    public static class JsonUtility
    {
        public static T FromJson<T>(string json)
        {
            int at = 0;
            return (T)Read(json, ref at, typeof(T));
        }

        private static object Read(string s, ref int at, Type type)
        {
            Skip(s, ref at);
            switch (s[at])
            {
                case '{': return ReadObject(s, ref at, type);
                case '[': return ReadArray(s, ref at, type);
                case '"': return ReadString(s, ref at);
                default: return ReadNumber(s, ref at, type);
            }
        }

        private static object ReadObject(string s, ref int at, Type type)
        {
            object made = type == null ? null : Activator.CreateInstance(type);
            at++;
            for (Skip(s, ref at); s[at] != '}'; Skip(s, ref at))
            {
                if (s[at] == ',') { at++; Skip(s, ref at); }
                string key = ReadString(s, ref at);
                Skip(s, ref at);
                if (s[at++] != ':') { throw new FormatException("':' expected"); }
                FieldInfo field = type == null ? null : type.GetField(key);
                object value = Read(s, ref at, field == null ? null : field.FieldType);
                if (field != null) { field.SetValue(made, value); }
            }
            at++;
            return made;
        }

        private static object ReadArray(string s, ref int at, Type type)
        {
            Type element = type == null ? null : type.GetElementType();
            List<object> found = new List<object>();
            at++;
            for (Skip(s, ref at); s[at] != ']'; Skip(s, ref at))
            {
                if (s[at] == ',') { at++; }
                found.Add(Read(s, ref at, element));
            }
            at++;
            if (element == null) { return null; }
            Array made = Array.CreateInstance(element, found.Count);
            for (int i = 0; i < found.Count; i++) { made.SetValue(found[i], i); }
            return made;
        }

        private static string ReadString(string s, ref int at)
        {
            StringBuilder text = new StringBuilder();
            for (at++; s[at] != '"'; at++)
            {
                if (s[at] != '\\') { text.Append(s[at]); continue; }
                at++;
                switch (s[at])
                {
                    case 'n': text.Append('\n'); break;
                    case 't': text.Append('\t'); break;
                    case 'r': text.Append('\r'); break;
                    case 'b': text.Append('\b'); break;
                    case 'f': text.Append('\f'); break;
                    case 'u': text.Append((char)Convert.ToInt32(s.Substring(at + 1, 4), 16)); at += 4; break;
                    default: text.Append(s[at]); break;
                }
            }
            at++;
            return text.ToString();
        }

        private static object ReadNumber(string s, ref int at, Type type)
        {
            int start = at;
            while (at < s.Length && ",]} \r\n\t".IndexOf(s[at]) < 0) { at++; }
            string text = s.Substring(start, at - start);
            if (type == null) { return null; }
            if (type == typeof(int)) { return int.Parse(text, CultureInfo.InvariantCulture); }
            return double.Parse(text, CultureInfo.InvariantCulture);
        }

        private static void Skip(string s, ref int at)
        {
            while (at < s.Length && char.IsWhiteSpace(s[at])) { at++; }
        }
    }
}

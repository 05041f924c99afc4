// Plays music of a given length against the loader and prints what it raises: "F id frame" and "U id frame secondsLeft".
// Arguments: sync file, then commands: "play FROM TO STEP" (clip frames), "loop on|off", "rate HZ" (the clip's), "offset S",
// "ahead S", "stop", "between FROM TO".

using System;
using System.Globalization;
using System.IO;
using System.Reflection;
using ReaTrieve;
using UnityEngine;

public static class RunUnityLoader
{
    public static int Main(string[] args)
    {
        CultureInfo.CurrentCulture = new CultureInfo("de-DE");
        GameObject thing = new GameObject();
        AudioSource source = thing.AddComponent<AudioSource>();
        ReaTrieveSync sync = thing.AddComponent<ReaTrieveSync>();
        sync.syncFile = new TextAsset(System.IO.File.ReadAllText(args[0]));
        Call(sync, "Awake");
        source.clip = new AudioClip { frequency = sync.File.audio.sample_rate, samples = sync.File.audio.frames };
        sync.Fired += e => Console.WriteLine("F " + e.id + " " + source.timeSamples);
        sync.Upcoming += (e, left) => Console.WriteLine(
            "U " + e.id + " " + source.timeSamples + " " + left.ToString("R", CultureInfo.InvariantCulture));
        for (int i = 1; i < args.Length; i++)
        {
            string[] words = args[i].Split(' ');
            switch (words[0])
            {
                case "play":
                    source.isPlaying = true;
                    int step = int.Parse(words[3]);
                    Time.unscaledDeltaTime = (float)step / source.clip.frequency;
                    for (int at = int.Parse(words[1]); at < int.Parse(words[2]); at += step)
                    {
                        source.timeSamples = at;
                        Call(sync, "Update");
                    }
                    break;
                case "stop":
                    source.isPlaying = false;
                    source.timeSamples = 0; // as Unity does at the end, and in Stop
                    Call(sync, "Update");
                    break;
                case "pause":
                    source.isPlaying = false;
                    Call(sync, "Update");
                    break;
                case "loop":
                    source.loop = words[1] == "on";
                    break;
                case "rate":
                    int rate = int.Parse(words[1]);
                    source.clip = new AudioClip {
                        frequency = rate, samples = (int)((long)sync.File.audio.frames * rate / sync.File.audio.sample_rate) };
                    break;
                case "offset":
                    sync.offsetSeconds = double.Parse(words[1], CultureInfo.InvariantCulture);
                    break;
                case "ahead":
                    sync.lookAheadSeconds = double.Parse(words[1], CultureInfo.InvariantCulture);
                    break;
                case "between":
                    foreach (SyncEvent e in sync.Between(
                        double.Parse(words[1], CultureInfo.InvariantCulture), double.Parse(words[2], CultureInfo.InvariantCulture)))
                    {
                        Console.WriteLine("B " + e.id);
                    }
                    break;
                case "labels":
                    foreach (SyncEvent e in sync.File.events)
                    {
                        Console.WriteLine("L " + Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(e.label)));
                    }
                    break;
            }
        }
        return 0;
    }

    private static void Call(object target, string method)
    {
        target.GetType().GetMethod(method, BindingFlags.Instance | BindingFlags.NonPublic).Invoke(target, null);
    }
}

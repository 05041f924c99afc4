// Reads a ReaTrieve sync file (*.sync.json) and tells the game when its events come. Made for Unity 2019.4 and later.
//
// Put this file and the sync file anywhere below Assets, add the component ReaTrieveSync to the object whose AudioSource plays
// the music, and drop the sync file on its field Sync File. Then:
//
//     GetComponent<ReaTrieveSync>().Fired += e => Debug.Log(e.label);
//     GetComponent<ReaTrieveSync>().Upcoming += (e, seconds) => Spawn(e, seconds);

using System;
using System.Collections.Generic;
using UnityEngine;

namespace ReaTrieve
{
    [Serializable]
    public class SyncAudio
    {
        public string file = "";
        public int sample_rate;
        public int channels;
        public int frames;
        public double duration_seconds;
        public string pcm_sha256 = "";
    }

    [Serializable]
    public class SyncTempo
    {
        public int frame;
        public double seconds;
        public double bpm;
        public int numerator;
        public int denominator;
        public int bar;
        public double beat;
    }

    [Serializable]
    public class SyncTrack
    {
        public string id = "";
        public string label = "";
    }

    /// <summary>One event. bar is 0 where the tempo is not known, score -1 where there is none.</summary>
    [Serializable]
    public class SyncEvent
    {
        public string id = "";
        public string track = "";
        public string label = "";
        public string pattern = "";
        public string type = "";
        public int start_frame;
        public int end_frame;
        public int anchor_frame;
        public double start_seconds;
        public double end_seconds;
        public double anchor_seconds;
        public int bar;
        public double beat;
        public double score = -1;
        public string source_region_id = "";
        public string payload = "";
    }

    [Serializable]
    public class SyncFile
    {
        public string format = "";
        public int version;
        public SyncAudio audio = new SyncAudio();
        public double offset_seconds;
        public SyncTempo[] tempo_map = new SyncTempo[0];
        public SyncTrack[] tracks = new SyncTrack[0];
        public SyncEvent[] events = new SyncEvent[0];

        /// <summary>Reads the text of a sync file; its events come sorted by anchor.</summary>
        public static SyncFile Parse(string json)
        {
            SyncFile file = JsonUtility.FromJson<SyncFile>(json);
            if (file == null || file.format != "reatrieve.sync")
            {
                throw new ArgumentException("This is not a ReaTrieve sync file.");
            }
            if (file.version != 1)
            {
                throw new ArgumentException("This sync file has version " + file.version + "; this loader reads version 1.");
            }
            Array.Sort(file.events, (a, b) => a.anchor_frame != b.anchor_frame
                ? a.anchor_frame.CompareTo(b.anchor_frame)
                : string.CompareOrdinal(a.id, b.id));
            return file;
        }
    }

    [RequireComponent(typeof(AudioSource))]
    public class ReaTrieveSync : MonoBehaviour
    {
        [Tooltip("The *.sync.json file that ReaTrieve exported")]
        public TextAsset syncFile;

        [Tooltip("How long before an event Upcoming is raised, in seconds of the music")]
        public double lookAheadSeconds = 1.0;

        [Tooltip("Added to every event's time, in seconds; negative fires earlier (to make up for a slow display or audio output)")]
        public double offsetSeconds = 0.0;

        /// <summary>Raised once when the music reaches an event's anchor.</summary>
        public event Action<SyncEvent> Fired;

        /// <summary>Raised once lookAheadSeconds before an event (or later, after a jump), with the seconds left.</summary>
        public event Action<SyncEvent, double> Upcoming;

        public SyncFile File { get; private set; }

        private const double JumpSeconds = 1.0;
        private const double NearStartSeconds = 0.25;
        private const double EndSeconds = 0.05;

        private AudioSource source;
        private int nextFired;
        private int nextUpcoming;
        private double lastSeconds = double.NaN;

        /// <summary>Where the music is now, in seconds from its start.</summary>
        public double MusicSeconds
        {
            // timeSamples counts in the clip's own rate, which import settings may have changed; seconds are the same in both.
            get { return source.clip == null ? 0.0 : (double)source.timeSamples / source.clip.frequency; }
        }

        /// <summary>When an event fires, in seconds from the start of the music.</summary>
        public double TimeOf(SyncEvent e)
        {
            return (double)e.anchor_frame / File.audio.sample_rate + File.offset_seconds + offsetSeconds;
        }

        /// <summary>Events that fire in from &lt;= time &lt; to, in seconds of the music.</summary>
        public IEnumerable<SyncEvent> Between(double from, double to)
        {
            for (int i = FirstAtOrAfter(from); i < File.events.Length && TimeOf(File.events[i]) < to; i++)
            {
                yield return File.events[i];
            }
        }

        public void Load(string json)
        {
            File = SyncFile.Parse(json);
            lastSeconds = double.NaN;
        }

        private void Awake()
        {
            source = GetComponent<AudioSource>();
            if (syncFile != null)
            {
                Load(syncFile.text);
            }
        }

        private void Update()
        {
            if (File == null)
            {
                return;
            }
            if (!source.isPlaying)
            {
                Stopped();
                return;
            }
            double now = MusicSeconds;
            // A frame that took long is no jump: its events still come, late.
            double longest = JumpSeconds + 2.0 * Time.unscaledDeltaTime * Math.Abs(source.pitch);
            if (double.IsNaN(lastSeconds))
            {
                Seek(now);
            }
            else if (now < lastSeconds)
            {
                // A loop: what lay between the last frame and the end of the music still happened. Or a jump back: nothing did.
                double length = source.clip.length;
                if (source.loop && length - lastSeconds + now < JumpSeconds)
                {
                    Advance(double.PositiveInfinity);
                    Seek(0.0);
                }
                else
                {
                    Seek(now);
                }
            }
            else if (now - lastSeconds > longest)
            {
                Seek(now);
            }
            lastSeconds = now;
            Advance(now);
        }

        private void Stopped()
        {
            if (source.timeSamples != 0 || double.IsNaN(lastSeconds))
            {
                return; // paused
            }
            // The music's last frames may pass between two Updates.
            double lastStep = EndSeconds + 2.0 * Time.unscaledDeltaTime * Math.Abs(source.pitch);
            if (source.clip != null && source.clip.length - lastSeconds < lastStep)
            {
                Advance(double.PositiveInfinity);
            }
            lastSeconds = double.NaN;
        }

        private void Seek(double seconds)
        {
            // The first frame of a run from the start comes some milliseconds late, and an offset may lie before 0.
            nextFired = seconds < NearStartSeconds ? 0 : FirstAtOrAfter(seconds);
            nextUpcoming = nextFired;
        }

        private void Advance(double now)
        {
            SyncEvent[] events = File.events;
            for (; nextUpcoming < events.Length && TimeOf(events[nextUpcoming]) - lookAheadSeconds <= now; nextUpcoming++)
            {
                if (Upcoming != null && !double.IsInfinity(now))
                {
                    Upcoming(events[nextUpcoming], Math.Max(0.0, TimeOf(events[nextUpcoming]) - now));
                }
            }
            for (; nextFired < events.Length && TimeOf(events[nextFired]) <= now; nextFired++)
            {
                if (Fired != null)
                {
                    Fired(events[nextFired]);
                }
            }
        }

        private int FirstAtOrAfter(double seconds)
        {
            int low = 0;
            int high = File.events.Length;
            while (low < high)
            {
                int middle = (low + high) / 2;
                if (TimeOf(File.events[middle]) < seconds)
                {
                    low = middle + 1;
                }
                else
                {
                    high = middle;
                }
            }
            return low;
        }
    }
}

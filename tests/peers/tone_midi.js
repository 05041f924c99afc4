// Prints tempos, texts and notes of a MIDI file as @tonejs/midi reads them, times in seconds.
"use strict";
const fs = require("fs");
const { Midi } = require("@tonejs/midi");

const midi = new Midi(fs.readFileSync(process.argv[2]));
console.log(JSON.stringify({
    ppq: midi.header.ppq,
    tempos: midi.header.tempos.map((tempo) => ({ ticks: tempo.ticks, bpm: tempo.bpm })),
    signatures: midi.header.timeSignatures.map((entry) => [entry.ticks, ...entry.timeSignature]),
    markers: midi.header.meta.filter((entry) => entry.type === "marker")
        .map((entry) => ({ ticks: entry.ticks, seconds: midi.header.ticksToSeconds(entry.ticks), text: entry.text })),
    tracks: midi.tracks.map((track) => ({
        name: track.name,
        notes: track.notes.map((note) => ({ pitch: note.midi, seconds: note.time, end: note.time + note.duration })),
    })),
}));

// Prints the cue points of a WAV as npm's wavefile reads them.
"use strict";
const fs = require("fs");
const { WaveFile } = require("wavefile");

const wav = new WaveFile(fs.readFileSync(process.argv[2]));
const rate = wav.fmt.sampleRate;
console.log(JSON.stringify({
    rate,
    frames: wav.data.samples.length / wav.fmt.blockAlign,
    cues: wav.listCuePoints().map((cue) => ({
        frame: cue.dwSampleOffset,
        end: cue.end === undefined || cue.end === null ? null : Math.round(cue.end * rate / 1000),
        label: cue.label,
    })),
}));

// Runs an FMOD Studio script against a mock of the scripting API (FMOD Studio User Manual 2.02, Scripting API Reference) and
// prints what it did. Arguments: the script, how often to run its command, and "none" to have no event selected.
"use strict";
const fs = require("fs");
const vm = require("vm");

const [path, times, selection] = process.argv.slice(2);
const messages = [];
const items = [];

class Marker {
    constructor(type, name, position) {
        this.type = type;
        this.name = name;
        this.position = position;
    }
    isOfType(type) { return type === this.type; }
}

class MarkerTrack {
    constructor() {
        this.markers = [];
        this.relationships = { markers: { add: (marker) => this.markers.push(marker) } };
    }
    addNamedMarker(name, position) {
        if (typeof name !== "string" || typeof position !== "number" || !(position >= 0)) {
            throw new Error("addNamedMarker(" + name + ", " + position + ")");
        }
        const marker = new Marker("NamedMarker", name, position);
        this.markers.push(marker);
        return marker;
    }
}

const event = {
    timeline: {},
    markerTracks: [],
    isOfExactType: (type) => type === "Event",
    addMarkerTrack() {
        const track = new MarkerTrack();
        this.markerTracks.push(track);
        return track;
    },
};

const studio = {
    window: { browserCurrent: () => (selection === "none" ? null : event) },
    project: { create: (type) => new Marker(type, undefined, undefined) },
    system: { message: (text) => messages.push(text) },
    menu: { addMenuItem: (item) => items.push(item) },
};

vm.runInNewContext(fs.readFileSync(path, "utf8"), { studio });
for (let i = 0; i < Number(times); i++) {
    items[0].execute();
}
console.log(JSON.stringify({
    menu: items.map((item) => item.name),
    enabled: items.map((item) => item.isEnabled()),
    messages,
    tracks: event.markerTracks.map((track) => track.markers.map((marker) => ({
        type: marker.type, name: marker.name, position: marker.position, tempo: marker.tempo,
        numerator: marker.timeSignatureNumerator, denominator: marker.timeSignatureDenominator,
    }))),
}));

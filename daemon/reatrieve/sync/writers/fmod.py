"""FMOD Studio: a script with one menu command that puts named markers on the selected event's timeline."""

from __future__ import annotations

import json
from collections.abc import Sequence

from reatrieve.annotations.annotation import one_line
from reatrieve.sync.model import SyncSheet

__all__ = ["write_fmod_script"]

SCRIPT = r"""// Markers of @FILE@, made by ReaTrieve.
//
// Put this file into the Scripts folder of your FMOD Studio project and choose Scripts > Reload. Select the event that
// plays the music from the start of its timeline and choose Scripts > ReaTrieve > Add markers of @NAME@.
// Running it again adds only what is missing.
(function () {
    "use strict";

    var NAME = @JSON_NAME@;
    var ADD_ENDS = @ENDS@;
    var ADD_TEMPO = @TEMPO_ON@;
    var SAME_SECONDS = 0.0005;
    // [name, position, end], in seconds of the timeline
    var EVENTS = @EVENTS@;
    // [position, bpm, numerator, denominator]
    var TEMPO = @TEMPO@;

    function selectedEvent() {
        var item = studio.window.browserCurrent();
        return item && item.isOfExactType("Event") ? item : null;
    }

    function existingMarkers(event) {
        var found = [];
        event.markerTracks.forEach(function (track) {
            track.markers.forEach(function (marker) {
                found.push(marker);
            });
        });
        return found;
    }

    function isThere(markers, type, name, position) {
        return markers.some(function (marker) {
            return marker.isOfType(type) && (name === null || marker.name === name) &&
                Math.abs(marker.position - position) < SAME_SECONDS;
        });
    }

    function addTempo(event, track, entry) {
        var marker = studio.project.create("TempoMarker");
        marker.position = entry[0];
        marker.tempo = entry[1];
        marker.timeSignatureNumerator = entry[2];
        marker.timeSignatureDenominator = entry[3];
        marker.timeline = event.timeline;
        track.relationships.markers.add(marker);
    }

    function addMarkers() {
        var event = selectedEvent();
        if (!event) {
            studio.system.message("ReaTrieve: select one event in the Events browser first.");
            return;
        }
        var before = existingMarkers(event);
        var wanted = [];
        EVENTS.forEach(function (entry) {
            wanted.push([entry[0], entry[1]]);
            if (ADD_ENDS && entry[2] > entry[1]) {
                wanted.push([entry[0] + ".end", entry[2]]);
            }
        });
        var missing = wanted.filter(function (marker) {
            return !isThere(before, "NamedMarker", marker[0], marker[1]);
        });
        var missingTempo = !ADD_TEMPO ? [] : TEMPO.filter(function (entry) {
            return !isThere(before, "TempoMarker", null, entry[0]);
        });
        if (missing.length || missingTempo.length) {
            var track = event.addMarkerTrack();
            missing.forEach(function (marker) {
                track.addNamedMarker(marker[0], marker[1]);
            });
            try {
                missingTempo.forEach(function (entry) {
                    addTempo(event, track, entry);
                });
            } catch (error) {
                studio.system.message("ReaTrieve: the tempo markers could not be added: " + error);
            }
        }
        studio.system.message("ReaTrieve: " + missing.length + " of " + wanted.length + " markers added.");
    }

    studio.menu.addMenuItem({
        name: "ReaTrieve\\Add markers of " + NAME,
        isEnabled: function () { return selectedEvent() !== null; },
        execute: addMarkers
    });
}());
"""


def write_fmod_script(sheet: SyncSheet, *, ends: bool = False, tempo: bool = False) -> bytes:
    """The script, ES5 and ASCII only.

    Parameters
    ----------
    ends : a second marker ``<label>.end`` at each event's end.
    tempo : tempo markers too.
    """
    # A name that FMOD would store differently would not be found there by the next run.
    names = [one_line(event.label) or event.id for event in sheet.events]
    events = [
        [name, sheet.seconds(event.anchor), sheet.seconds(event.end)]
        for name, event in zip(names, sheet.events, strict=True)
    ]
    steps = [[step.time_s, step.bpm, step.numerator, step.denominator] for step in sheet.tempo]
    name = one_line(sheet.name).replace("\\", " ").replace("/", " ")  # both would open a submenu
    comment_name = json.dumps(name)[1:-1]
    text = SCRIPT
    for mark, value in {
        "@FILE@": json.dumps(one_line(sheet.audio.path.name))[1:-1],
        "@NAME@": comment_name,
        "@JSON_NAME@": json.dumps(name),
        "@ENDS@": json.dumps(ends),
        "@TEMPO_ON@": json.dumps(tempo and bool(steps)),
        "@TEMPO@": _array(steps),
        "@EVENTS@": _array(events),  # last: labels may hold anything
    }.items():
        text = text.replace(mark, value)
    return text.encode("ascii")


def _array(rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return "[]"
    return "[\n" + ",\n".join(f"        {json.dumps(row)}" for row in rows) + "\n    ]"

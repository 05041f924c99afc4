class_name ReaTrieveSync
extends Node
## Reads a ReaTrieve sync file (*.sync.json) and tells the game when its events come.
##
## For Godot 4. Put this file and the sync file anywhere below res://, add a ReaTrieveSync node,
## choose the player of the music and the sync file in the inspector, and connect the signals.

## Emitted once when the music reaches an event's anchor.
signal fired(event: Dictionary)
## Emitted once look_ahead_seconds before an event (or later, after a jump), with the seconds left.
signal upcoming(event: Dictionary, seconds_left: float)

const JUMP_SECONDS := 1.0
const NEAR_START_SECONDS := 0.25
const NEAR_END_SECONDS := 0.25

## The player of the music.
@export var player: AudioStreamPlayer
## The sync file that ReaTrieve exported.
@export_file("*.json") var sync_file: String = ""
## How long before an event upcoming is emitted, in seconds of the music.
@export var look_ahead_seconds: float = 1.0
## Added to every event's time; negative fires earlier.
@export var offset_seconds: float = 0.0

## All events, by anchor.
var events: Array = []
## What the sync file says of its audio.
var audio: Dictionary = {}

var _file_offset := 0.0
var _next_fired := 0
var _next_upcoming := 0
var _last_seconds := -1.0


func _ready() -> void:
	if sync_file != "":
		load_text(FileAccess.get_file_as_string(sync_file))


## Reads the text of a sync file; returns whether it was one.
func load_text(text: String) -> bool:
	var data: Variant = JSON.parse_string(text)
	if not data is Dictionary or data.get("format") != "reatrieve.sync":
		push_error("This is not a ReaTrieve sync file.")
		return false
	if int(data["version"]) != 1:
		push_error("This sync file has version %d; this loader reads version 1." % int(data["version"]))
		return false
	audio = data["audio"]
	events = data["events"]
	events.sort_custom(_comes_before)
	_file_offset = float(data.get("offset_seconds", 0.0))
	_last_seconds = -1.0
	return true


## When an event fires, in seconds from the start of the music.
func time_of(event: Dictionary) -> float:
	return float(event["anchor_frame"]) / float(audio["sample_rate"]) + _file_offset + offset_seconds


## Events that fire in from_seconds <= time < to_seconds.
func between(from_seconds: float, to_seconds: float) -> Array:
	var found: Array = []
	var index := _first_at_or_after(from_seconds)
	while index < events.size() and time_of(events[index]) < to_seconds:
		found.append(events[index])
		index += 1
	return found


## What is heard now, in seconds from the start of the music.
func music_seconds() -> float:
	# The position moves once a mix; without the other two terms events would come in clumps and late.
	var mixed := player.get_playback_position() + AudioServer.get_time_since_last_mix()
	return mixed - AudioServer.get_output_latency()


func _process(delta: float) -> void:
	if player == null or events.is_empty():
		return
	if not player.playing:
		_stopped()
		return
	var now := maxf(0.0, music_seconds())
	# A frame that took long is no jump: its events still come, late.
	var longest := JUMP_SECONDS + 2.0 * delta * absf(player.pitch_scale)
	if _last_seconds < 0.0 or now - _last_seconds > longest:
		_seek(now)
	elif now < _last_seconds - 0.1:
		# A loop: what lay between the last frame and the end still happened. Or a jump back: nothing did.
		var length := player.stream.get_length()
		if length - _last_seconds + now < JUMP_SECONDS:
			_advance(INF)
			_seek(0.0)
		else:
			_seek(now)
	elif now < _last_seconds:
		return  # the clock jitters by some milliseconds
	_last_seconds = now
	_advance(now)


func _stopped() -> void:
	if player.stream_paused or _last_seconds < 0.0:
		return
	# The music's last frames may pass between two frames of the game.
	if player.stream.get_length() - _last_seconds < NEAR_END_SECONDS:
		_advance(INF)
	_last_seconds = -1.0


func _seek(seconds: float) -> void:
	# The first frame comes some milliseconds after the start, and an offset may lie before 0.
	_next_fired = 0 if seconds < NEAR_START_SECONDS else _first_at_or_after(seconds)
	_next_upcoming = _next_fired


func _advance(now: float) -> void:
	while _next_upcoming < events.size():
		var left := time_of(events[_next_upcoming]) - now
		if left > look_ahead_seconds:
			break
		if now < INF:
			upcoming.emit(events[_next_upcoming], maxf(0.0, left))
		_next_upcoming += 1
	while _next_fired < events.size() and time_of(events[_next_fired]) <= now:
		fired.emit(events[_next_fired])
		_next_fired += 1


func _first_at_or_after(seconds: float) -> int:
	var low := 0
	var high := events.size()
	while low < high:
		var middle := (low + high) >> 1
		if time_of(events[middle]) < seconds:
			low = middle + 1
		else:
			high = middle
	return low


static func _comes_before(a: Dictionary, b: Dictionary) -> bool:
	if a["anchor_frame"] != b["anchor_frame"]:
		return a["anchor_frame"] < b["anchor_frame"]
	return a["id"] < b["id"]

"""Media sources, and putting files into a project."""

from __future__ import annotations

from pathlib import Path

from reatrieve.headless.calls import Call, function
from reatrieve.headless.model import ItemModel, TakeModel
from reatrieve.headless.sources import FileSource, MidiSource, SectionSource, Source


@function("PCM_Source_CreateFromFile")
def _create(call: Call, path: str) -> Source | None:
    return FileSource(path) if Path(path).exists() else None


@function("PCM_Source_CreateFromFileEx")
def _create_ex(call: Call, path: str, no_midi: bool) -> Source | None:
    return FileSource(path) if Path(path).exists() else None


@function("PCM_Source_CreateFromType")
def _create_type(call: Call, kind: str) -> Source | None:
    if kind == "SECTION":
        return SectionSource(Source())
    return MidiSource() if kind == "MIDI" else Source() if kind == "EMPTY" else FileSource("")


@function("PCM_Source_Destroy")
def _destroy(call: Call, source: Source) -> None:
    source.alive = False


@function("GetMediaSourceFileName")
def _file_name(call: Call, source: Source) -> str:
    if isinstance(source, SectionSource) and not call.host.assumptions.section_file_name_empty and source.parent:
        return source.parent.path
    return source.path


@function("GetMediaSourceParent")
def _parent(call: Call, source: Source) -> Source | None:
    return source.parent


@function("GetMediaSourceType")
def _type(call: Call, source: Source) -> str:
    return source.type


@function("GetMediaSourceLength")
def _length(call: Call, source: Source) -> tuple[float, bool]:
    return source.length_s, isinstance(source, MidiSource)


@function("GetMediaSourceNumChannels")
def _channels(call: Call, source: Source) -> int:
    return source.channels


@function("GetMediaSourceSampleRate")
def _rate(call: Call, source: Source) -> int:
    return source.rate_hz


@function("PCM_Source_GetSectionInfo")
def _section(call: Call, source: Source) -> tuple[bool, float, float, bool]:
    if isinstance(source, SectionSource):
        return True, source.offset_s, source.length_s, source.reverse
    return False, 0.0, 0.0, False


@function("InsertMedia")
def _insert(call: Call, path: str, mode: int) -> int:
    project = call.host.project
    source = FileSource(path)
    if not source.length_s:
        return 0
    tracks = project.selected_tracks()
    track = tracks[0] if tracks and mode & 3 == 0 else project.add_track(Path(path).stem)
    item = ItemModel(track, project.new_guid(), project.cursor_s, source.length_s)
    item.takes.append(TakeModel(item, project.new_guid(), source, Path(path).name))
    track.items.append(item)
    track.sort_items()
    project.cursor_s = item.end_s
    project.edited()
    return 1

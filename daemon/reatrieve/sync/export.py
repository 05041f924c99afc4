"""Accepted regions to files: everything is checked before anything is written, and all files appear or none."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from reatrieve.audio.soundness import cut_off_note, not_numbers
from reatrieve.audio.stitch import TrackAudio
from reatrieve.audio.trackmap import TrackItem, TrackMap
from reatrieve.errors import AudioError, InputError
from reatrieve.files import MOST_PARTS, is_own, made_for, open_source, unreadable
from reatrieve.plain import quoted
from reatrieve.session.retriever import Progress
from reatrieve.sync.anchors import Placement
from reatrieve.sync.earlier import EarlierExport
from reatrieve.sync.gapless import loose_timing_note
from reatrieve.sync.model import Accepted, SyncAudio, SyncEvent, SyncSheet, TargetKind
from reatrieve.sync.placed_audio import source_file, write_track
from reatrieve.sync.sheet import Note, events_of, sheet_of
from reatrieve.sync.targets import TARGETS, Options, Target, chosen_options, chosen_targets
from reatrieve.sync.turns import turn_among_processes, turn_in_this_process
from reatrieve.sync.wave_content import describe

__all__ = ["ExportJob", "ForceNeededError", "OtherContentError", "Written", "export", "sync_json_of"]

MOST_NAME_BYTES = 200
"""Of the files' names that the user chooses: systems take 255 with what stands behind it."""


class ForceNeededError(InputError):
    """What only ``force`` does.

    Attributes
    ----------
    fact : the sentence without the way out, which differs by where it is read.
    keeps : whether the files would hold the other sounds that are in them, too.
    """

    def __init__(self, fact: str, otherwise: str = "", *, keeps: bool = False) -> None:
        super().__init__(f"{fact}; let it replace existing files{otherwise}")
        self.fact = fact
        self.keeps = keeps


class OtherContentError(InputError):
    """The audio's samples do not have the SHA-256 that was asked for.

    Parameters
    ----------
    name : of the audio's file.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has changed since it was chosen; choose it again")
        self.name = name


class Written(NamedTuple):
    """One file that an export wrote: the target's name, where, how many events it is made from, and whether the same
    file was there already."""

    target: str
    path: Path
    events: int
    unchanged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJob:
    """What to export, from what, and how.

    Attributes
    ----------
    accepted : regions in project seconds, in any order; the first of each sound is its example.
    folder : where the files go; made if need be.
    targets : names of ``TARGETS``, comma separated or as a list, or ``all``; ``WORDS`` may stand among them.
    audio : the audio that the game ships: the one ``source`` file of the track, a ``render`` of the project, or the
        stitched ``track``, which is then written too, as ``<name>.track.wav``.
    audio_path, audio_start_s : the render, and the project time of its first frame.
    track_map : the searched track; needed for ``source`` and ``track``. Anchors are found on it, else on the render.
    placement : where in a region its event fires; its tempo map is REAPER's (None: bars and beats stay unknown, but
        with ``add`` the tempo of the earlier export goes on).
    name : stem of the files' names; "" takes the audio's.
    options : for the writers.
    expected_pcm_sha256 : hash of the audio when the user chose it; other content is refused.
    force : replace existing files. Files that are there already with the same content never hinder.
    add : keep the events of other sessions that an earlier export to this folder holds for the same audio, so that
        several sounds of a project, exported one after the other, end up in one set of files. A place of a sound that
        is exported again takes the place of the earlier one. Only the sync JSON there tells them.
    must_keep : refuse to replace files, be it with ``force``, where ``add`` has no sync JSON that tells what they hold.
    replace_own : replace files that an earlier export of the same sessions wrote, even without ``force``: the sync JSON
        there holds no other session's events and was made with the same options, and the files are what it gives.
    """

    accepted: Sequence[Accepted]
    folder: Path
    targets: str | Sequence[str] = "json"
    audio: TargetKind = "source"
    audio_path: Path | None = None
    audio_start_s: float = 0.0
    track_map: TrackMap | None = None
    placement: Placement = field(default_factory=Placement)
    name: str = ""
    options: Options = field(default_factory=Options)
    expected_pcm_sha256: str | None = None
    force: bool = False
    add: bool = False
    must_keep: bool = False
    replace_own: bool = False


def export(job: ExportJob, *, progress: Progress | None = None, note: Note | None = None) -> list[Written]:
    """Write the sync files of some accepted regions. Nothing is left behind when anything fails.

    Parameters
    ----------
    progress : told the share done; may raise to cancel.
    note : told what the user should know, a sentence each.

    Returns
    -------
    written : one entry a file, in the table's order; ``("track", path)`` first where the track was written.

    Raises
    ------
    InputError
        No target audio fits, events outside it (by name), changed content, a WAV beyond 4 GB, events that would go.
    ForceNeededError
        Files that exist, or an earlier export of audio that has changed since, without ``force``.
    AudioError
        The audio cannot be read or the files not be written.
    """
    targets = chosen_targets(job.targets)
    options = chosen_options(job.targets, job.options)
    note = note or (lambda _text: None)
    tell = progress or (lambda _share: None)
    if set(job.name) & set("/\\"):
        raise InputError(
            f"the name {quoted(job.name)} has a folder in it; files are named by it, folders are chosen apart"
        )
    if job.name and not job.name.strip(". "):
        raise InputError(f"the name {quoted(job.name)} has nothing but dots; choose one with letters")
    if (n_bytes := len(os.fsencode(job.name))) > MOST_NAME_BYTES:
        raise InputError(f"the name has {n_bytes} bytes, at most {MOST_NAME_BYTES} are taken; choose a shorter one")
    if len(job.folder.parts) > MOST_PARTS:
        raise InputError(f"the path to write to has more than {MOST_PARTS} folders; choose a shorter one")
    made: list[_Made] = []
    with (
        turn_in_this_process(job.folder, tell),
        _all_or_none(job.folder, made),
        turn_among_processes(job.folder, tell) as alone,
    ):
        if job.audio == "track":
            _tell_damage(job, job.track_map.paths if job.track_map else (), targets, note)
            shipped, readable, stem = _stitched(job, made, note, lambda share: tell(share * 0.4))
        else:
            readable, start_s = _chosen_audio(job)
            _tell_damage(job, (readable,), targets, note)
            shipped = describe(readable, start_s=start_s, progress=lambda share: tell(share * 0.4))
            stem = job.name or _stem(readable)
        if loose := loose_timing_note(job.track_map.paths if job.audio == "track" and job.track_map else (readable,)):
            note(loose)
        earlier = EarlierExport.read(job.folder / f"{stem}.sync.json")
        sheet, n_kept = _sheet(job, stem, shipped, readable, options, note, earlier)
        for number, target in enumerate(targets):
            final = job.folder / TARGETS[target].file.format(name=stem)
            _refuse_place(final, (readable, *(job.track_map.paths if job.track_map else ())))
            made.append(_Made(target, _part(final), final))
            first, width = 0.5 + 0.5 * number / len(targets), 0.5 / len(targets)
            tell(first)

            def share_of(share: float, first: float = first, width: float = width) -> None:
                tell(first + width * share)

            for text in _write(TARGETS[target], sheet, readable, made[-1].part, options, share_of):
                note(text)
        same = [_same_content(one.part, one.final) for one in made]
        if job.add:
            changed = [one.final for one, is_same in zip(made, same, strict=True) if not is_same and _has_events(one)]
            _keep_or_tell(job, [path for path in changed if os.path.lexists(path)], earlier, note)
            if "json" not in targets and earlier.lacks(sheet.events):
                note(
                    f"{earlier.path.name} was not written, and lacks these events: with json among the targets, the "
                    "next export keeps them"
                )
        if not job.force:
            different = [
                one for one, is_same in zip(made, same, strict=True) if not is_same and os.path.lexists(one.final)
            ]
            if job.replace_own and different:
                before = _sheets_before(job, sheet)
                different = [
                    one for one in different if not any(_is_made_from(each, one, readable, options) for each in before)
                ]
            _refuse_existing([one.final for one in different], n_kept > 0)
        if EarlierExport.read(earlier.path) != earlier:
            raise InputError(f"{earlier.path.name} was written by another program during this export; export again")
        _place([one for one, is_same in zip(made, same, strict=True) if not is_same])
        if alone:
            _sweep({one.final.name for one in made}, job.folder)
    tell(1.0)
    return [Written(one.target, one.final, len(sheet.events), is_same) for one, is_same in zip(made, same, strict=True)]


def sync_json_of(audio: Path, folder: Path) -> Path:
    """Where the sync JSON of a sound file lies in a folder of exports."""
    return folder / TARGETS["json"].file.format(name=_stem(audio))


class _Made(NamedTuple):
    target: str
    part: Path
    final: Path


def _place(made: Sequence[_Made]) -> None:
    """Give all files their names, or none: when one cannot have its name, those that were replaced come back.

    Raises
    ------
    AudioError
        If the disk refuses that, too; what was there is kept, and the text says where.
    """
    placed: list[tuple[_Made, Path | None]] = []
    try:
        for one in made:
            placed.append((one, _kept(one.final)))
            one.part.replace(one.final)
    except BaseException as error:  # Ctrl+C, too
        stuck = [pair for pair in reversed(placed) if not _put_back(*pair)]
        kept_as = ", ".join(_set_aside(kept).name for _, kept in stuck if kept is not None)
        if stuck and isinstance(error, OSError):
            names = ", ".join(one.final.name for one, _ in stuck)
            raise AudioError(
                f"the disk of {made[0].final.parent} fails: these are new already and cannot be taken back: {names}"
                + (f"; what was there before is in {kept_as}" if kept_as else "")
            ) from error
        raise
    for _, kept in placed:
        if kept is not None:
            with suppress(OSError):
                kept.unlink()


def _kept(final: Path) -> Path | None:
    """A second name for a file, or a copy of it on a disk without links, so that it never lacks its own; None where
    there is none."""
    if not os.path.lexists(final):
        return None
    kept = _part(final)
    try:
        os.link(final, kept, follow_symlinks=False)
    except (OSError, NotImplementedError):
        try:
            shutil.copy2(final, kept, follow_symlinks=False)
        except BaseException:
            with suppress(OSError):
                kept.unlink(missing_ok=True)
            raise
    return kept


def _put_back(one: _Made, kept: Path | None) -> bool:
    """Whether what was there before is there again, or still: its part is there until it has taken the place."""
    was_replaced = not os.path.lexists(one.part)
    try:
        if was_replaced and kept is not None:
            kept.replace(one.final)
        elif was_replaced:
            one.final.unlink(missing_ok=True)
        elif kept is not None:
            kept.unlink()
    except OSError:
        return not was_replaced
    return True


def _set_aside(kept: Path) -> Path:
    """Give it a name that no later export sweeps, if the disk lets us."""
    with suppress(OSError):
        kept.rename(kept.with_suffix(".before"))
        return kept.with_suffix(".before")
    return kept


@contextmanager
def _all_or_none(folder: Path, made: Sequence[_Made]) -> Iterator[None]:
    """Make the folder; take away what was made of a failed export, new folders too that are empty."""
    try:
        with made_for(folder):
            try:
                yield
            finally:
                for one in made:
                    with suppress(OSError):
                        one.part.unlink(missing_ok=True)
    except (InputError, AudioError):
        raise
    except OSError as error:
        if error.filename is not None and not _is_on_the_way(Path(error.filename), folder):
            raise AudioError(unreadable(error.filename, error)) from error  # what is read, not what is written
        raise AudioError(f"cannot write to {folder}: {error.strerror or error}; choose another folder") from error


def _is_on_the_way(path: Path, folder: Path) -> bool:
    """Whether a path is the folder, lies in it, or is one above it, which may have to be made first."""
    return path == folder or folder in path.parents or path in folder.parents


def _sheet(
    job: ExportJob,
    stem: str,
    shipped: SyncAudio,
    readable: Path,
    options: Options,
    note: Note,
    earlier: EarlierExport,
) -> tuple[SyncSheet, int]:
    """All events, and how many of them an earlier export held."""
    _refuse_changed(shipped, earlier, job)
    payloads = earlier.payloads
    accepted = [replace(one, payload=one.payload or payloads.get(one.region_id, "")) for one in job.accepted]
    placement = job.placement
    if job.add and placement.tempo_map is None and (tempo_map := earlier.tempo_map(shipped)):
        placement = replace(placement, tempo_map=tempo_map)
        note(f"no tempo is known: that of {earlier.path.name} goes on; reatrieve export takes --bpm")
    sound = _sound(job.track_map, shipped, readable) if placement.anchor != "start" else None
    events = events_of(accepted, shipped, placement, options, sound=sound, note=note)
    others = earlier.events_of_others(shipped, job.accepted) if job.add else []
    written = [one for one in others if one.payload]
    events = [replace(event, payload=event.payload or _payload_of_place(event, written)) for event in events]
    kept = [event for event in others if not any(event.is_place_of(one) for one in events)]
    replaced = len(others) - len(kept)
    if job.add and (lost := earlier.n_lost(shipped, job.accepted)):
        note(
            f"1 event of another search is no longer in {stem}.sync.json: it was made from other samples"
            if lost == 1
            else f"{lost} events of other searches are no longer in {stem}.sync.json: it was made from other samples"
        )
    if replaced:
        note(
            f"1 event of an earlier search in {stem}.sync.json is replaced: it marks the same place"
            if replaced == 1
            else f"{replaced} events of an earlier search in {stem}.sync.json are replaced: they mark the same places"
        )
    if kept:
        sounds = ", ".join(dict.fromkeys(event.pattern for event in kept))
        note(
            f"1 event of another search ({sounds}) was kept from {stem}.sync.json"
            if len(kept) == 1
            else f"{len(kept)} events of other searches ({sounds}) were kept from {stem}.sync.json"
        )
    return sheet_of(stem, shipped, events, kept, placement.tempo_map), len(kept)


def _payload_of_place(event: SyncEvent, written: Sequence[SyncEvent]) -> str:
    """What somebody wrote beside an event that this one replaces."""
    return next((one.payload for one in written if one.is_place_of(event)), "")


def _stitched(job: ExportJob, made: list[_Made], note: Note, tell: Progress) -> tuple[SyncAudio, Path, str]:
    if job.track_map is None:
        raise InputError("the stitched track needs the project's items; choose a render instead")
    stem = job.name or job.track_map.paths[0].stem
    final = job.folder / f"{stem}.track.wav"
    _refuse_place(final, job.track_map.paths)
    made.append(_Made("track", _part(final), final))
    audio, clipped = write_track(job.track_map, made[-1].part, progress=tell)
    if clipped:
        note("the stitched track was louder than full scale and was clipped; lower the items' volume")
    return replace(audio, path=final), made[-1].part, stem


def _chosen_audio(job: ExportJob) -> tuple[Path, float]:
    if job.audio == "source":
        if job.track_map is None:
            raise InputError("name the audio that the game ships (--audio); the project's items are not known here")
        found = source_file(job.track_map, job.accepted)
        return found.path, found.start_s
    if job.audio != "render":
        raise InputError(f"unknown target audio {job.audio!r}; use source, render or track")
    if job.audio_path is None:
        raise InputError("name the render that the game ships, and the project time at which it starts")
    return job.audio_path, job.audio_start_s


def _sound(track_map: TrackMap | None, shipped: SyncAudio, readable: Path) -> TrackAudio:
    """What anchors are found on: the searched track, which has nothing else in it; without one the shipped audio."""
    if track_map is not None and all(path.is_file() for path in track_map.paths):
        return TrackAudio(track_map)
    return TrackAudio(TrackMap((TrackItem(readable, shipped.start_s, shipped.duration_s),)))


def _write(form: Target, sheet: SyncSheet, readable: Path, part: Path, options: Options, tell: Progress) -> list[str]:
    """Write one target's file; the notes that its writer has for the user."""
    if form.stream is not None:
        return form.stream(replace(sheet, audio=replace(sheet.audio, path=readable)), part, options, tell)
    if form.write is None:
        return []
    content, notes = form.write(sheet, options)
    part.write_bytes(content)
    return notes


def _refuse_changed(audio: SyncAudio, earlier: EarlierExport, job: ExportJob) -> None:
    """The choice of an audio is remembered by its hash: by the caller, or in the sync JSON that an earlier export
    left."""
    expected = job.expected_pcm_sha256
    if expected is not None and expected.lower() != audio.pcm_sha256:
        raise OtherContentError(audio.path.name)
    if not job.force and earlier.audio_file == audio.path.name and earlier.pcm_sha256 != audio.pcm_sha256:
        raise ForceNeededError(
            f"{audio.path.name} has changed since {earlier.path.name} was made from it", " if the regions still fit"
        )


def _tell_damage(job: ExportJob, paths: Iterable[Path], targets: Sequence[str], note: Note) -> None:
    """Tell of audio that was cut off, or has samples that are no numbers; no WAV is made with these.

    Raises
    ------
    AudioError
        If one would be.
    """
    for path in paths:
        with suppress(AudioError, OSError):  # whoever reads it says so
            if cut := cut_off_note(path):
                note(cut)
        if fault := not_numbers(path):
            if "wav" in targets and job.audio != "track":  # whose samples are made anew
                raise AudioError(fault)
            note(fault)


def _has_events(one: _Made) -> bool:
    """Whether events stand in a file: the loaders of engines have none, nor has the track."""
    return one.target in TARGETS and "{name}" in TARGETS[one.target].file


def _keep_or_tell(job: ExportJob, replaced: Sequence[Path], earlier: EarlierExport, note: Note) -> None:
    """What files hold that are written again, only the sync JSON beside them tells."""
    if not replaced or os.path.lexists(earlier.path):
        return
    names = ", ".join(path.name for path in replaced)
    if job.must_keep:
        raise InputError(
            f"no {earlier.path.name} in {job.folder} tells which sounds {names} already "
            f"{'holds' if len(replaced) == 1 else 'hold'}; export those again with json among the targets, then add"
        )
    if job.force:
        note(
            f"{names} holds no other sounds any more, if it did: there was no {earlier.path.name} to tell them; with "
            "json among the targets they stay"
            if len(replaced) == 1
            else f"{names} hold no other sounds any more, if they did: there was no {earlier.path.name} to tell them; "
            "with json among the targets they stay"
        )


def _refuse_place(final: Path, sources: Iterable[Path]) -> None:
    """No folder is ever replaced, and no audio that is read, not even with force."""
    if final.is_dir():
        raise InputError(f"{final} is a folder; move it away, or choose another folder to write to")
    if any(final.exists() and source.exists() and final.samefile(source) for source in sources):
        raise InputError(f"{final.name} is the audio itself and is never replaced; choose another folder or name")


def _sheets_before(job: ExportJob, sheet: SyncSheet) -> list[SyncSheet]:
    """What an earlier export may have written: as its sync JSON says, and without the payloads that somebody wrote into
    that afterwards. Nothing if it holds events of other sessions, or had other labels or anchors where nothing has
    changed."""
    events = EarlierExport.read(job.folder / f"{sheet.name}.sync.json").own_events(sheet.audio, job.accepted)
    now = {(one.region_id, one.pattern, one.start, one.end): one for one in sheet.events}
    for one in events:
        same = now.get((one.region_id, one.pattern, one.start, one.end), one)
        if (one.label, one.anchor, one.position) != (same.label, same.anchor, same.position):
            return []
    without = tuple(replace(one, payload="") for one in events)
    return [replace(sheet, events=these) for these in dict.fromkeys((events, without)) if these]


def _is_made_from(sheet: SyncSheet, one: _Made, readable: Path, options: Options) -> bool:
    """Whether the file that is there is what these events give: nobody has changed it since."""
    if one.target not in TARGETS:
        return False
    part = _part(one.final)
    try:
        _write(TARGETS[one.target], sheet, readable, part, options, lambda _share: None)
        return part.exists() and _same_content(part, one.final)
    finally:
        part.unlink(missing_ok=True)


def _refuse_existing(existing: Sequence[Path], keeps: bool) -> None:
    if existing:
        names = ", ".join(path.name for path in existing)
        verb = "exists" if len(existing) == 1 else "exist"
        raise ForceNeededError(
            f"{names} already {verb} in {existing[0].parent}", " or choose another folder", keeps=keeps
        )


def _same_content(a: Path, b: Path) -> bool:
    if not b.is_file() or a.stat().st_size != b.stat().st_size:
        return False
    return _file_hash(a) == _file_hash(b)


def _file_hash(path: Path) -> bytes:
    digest = hashlib.sha256()
    with open_source(path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.digest()


def _part(final: Path) -> Path:
    """A name beside the final one, so that renaming never copies."""
    return final.with_name(f".{final.name}.{secrets.token_hex(4)}.part")


def _sweep(names: Iterable[str], folder: Path) -> None:
    """Remove what killed exports of files of these names left, those of this user."""
    left = re.compile(rf"\.({'|'.join(map(re.escape, names))})\.[0-9a-f]{{8}}\.part")
    with suppress(OSError):
        for path in folder.iterdir():
            with suppress(OSError):
                if left.fullmatch(path.name) and is_own(path.lstat()):
                    path.unlink()


def _stem(path: Path) -> str:
    """The audio's name for its sync files: a cue WAV that we made keeps the name that it was made under."""
    return path.stem.removesuffix(".cues").removesuffix(".track") or path.stem

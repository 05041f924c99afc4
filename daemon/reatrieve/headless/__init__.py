"""A REAPER without REAPER: real Lua, a simulated project.

The shipped scripts run unmodified, in Lua 5.3 (REAPER 6) or 5.4 (REAPER 7), against a simulated ``reaper`` and ``gfx``.
Every call is checked against the API listing: a name that the version does not have or a wrong type is a Lua error, and
what REAPER takes beyond its help is noted in `Reaper.misuse`. Where REAPER's behaviour is not proven,
docs/assumptions.md says what the host does; the Self-test action settles the list on a real REAPER, and its JSON is
given as ``profile``.

Two rules hold in every run. A script may change or delete only regions and markers that scripts made, or that
`Reaper.allow_edits` names: a breach is in `Reaper.misuse`. And playing and the view move only within a tick of the
user's own key: what moves otherwise is in `Reaper.unasked_moves`.

A session in ten lines::

    from reatrieve.headless import Reaper

    with Reaper(version="7.72") as reaper:
        project = reaper.project
        track = project.add_track("Music")
        track.add_item("song.wav")
        project.select_time(12.5, 13.25)
        reaper.run("Find sounds like the time selection")
        reaper.until(lambda: len(project.regions) > 1)
        reaper.run("Accept candidate")
        reaper.until(lambda: len(project.regions) > 2)
        project.save("song.rpp")

What there is:

- `Reaper`: tabs (`project`, `projects`, `new_project`, `open`, also in the tab of another project), scripts (`run`,
  `tick`, `until`, `stop`, `is_running`), keys and dialogs (`bind`, `press`, `answer`, also after seconds, `dialogs`),
  gfx windows (`focus`, `keys_go_to`, `mouse`, `resize_window`, `gfx_picture`), an interface that hangs (`freeze`), and
  what the user sees (`status.help_line`, `status.tooltip`, `errors`). `HostOptions` is how it is set up.
- `Project`: tracks, regions, markers, tempo, time inserted and removed, selection, view, the ruler's format and start,
  transport, `undo` and `redo`, `save` and `close`.
- `Track`, `MediaItem`, `Region`: edits as a user makes them (an item may take others along); each leaves an undo point.

``clock="real"`` (the default) ticks 31 times a second of real time, which is right with a daemon at the other end;
``clock="simulated"`` ticks as fast as it can.

LuaSocket's binary cannot load into lupa (its Lua exports no symbols), so ``sockets="python"`` puts a module with the
same UDP functions into ``package.preload["socket.core"]``, real datagrams included; ``sockets="none"`` is stock REAPER.
With ``engine="lua5.4"`` the scripts run in a real interpreter; ``sockets="machine"`` lets them load LuaSocket itself.
"""

from reatrieve.headless.machine import ScriptError
from reatrieve.headless.options import HostOptions
from reatrieve.headless.profile import VERSIONS, Assumptions
from reatrieve.headless.session import Reaper, ScriptFailure, scripts_folder
from reatrieve.headless.view import MediaItem, Project, Region, Track

__all__ = [
    "VERSIONS",
    "Assumptions",
    "HostOptions",
    "MediaItem",
    "Project",
    "Reaper",
    "Region",
    "ScriptError",
    "ScriptFailure",
    "Track",
    "scripts_folder",
]

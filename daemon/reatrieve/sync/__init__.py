"""Accepted spans to sync events, and one writer a target.

For the service (who wires this):

- ``reatrieve.sync.export.export(accepted, ...)`` writes files and returns ``[Written(target, path), ...]``.
- ``reatrieve.sync.earlier.accepted_in(state, ...)`` makes them of a session; ``export(add=True)`` keeps the others'.
- ``reatrieve.sync.anchors.anchors(sound, spans, kind=...)`` returns one time in seconds a span.
- ``reatrieve.sync.tempo.TempoEntry`` has the fields of the protocol's ``tempo`` message, ``TempoMap(entries)`` holds
them.
- ``reatrieve.annotations.files.read_annotations(path)`` reads label files of every kind.
"""

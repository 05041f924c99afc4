"""Training of the learned view: a bank of sounds, scenes made of them, a small network.

Run it as ``python -m reatrieve.lab.learning``. Needs the extra ``training`` (torch). ``docs/learned-view.md`` tells the
data, their licences and the figures.
"""

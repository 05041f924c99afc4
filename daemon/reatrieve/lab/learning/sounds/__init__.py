"""Where the training sounds come from: own generators, two speech synthesisers, a few freely licensed recordings."""

"""Speed and memory, as ratios measured in one run: these hold on any machine, absolute times do not."""

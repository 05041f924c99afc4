"""The loaders for Unity and Godot that an export copies beside the sync JSON."""

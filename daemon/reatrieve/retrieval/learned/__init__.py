"""Learned representations: any ONNX model that turns audio into frame features (extra ``learned``, docs/learned.md)."""

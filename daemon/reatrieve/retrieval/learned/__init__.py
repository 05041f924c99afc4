"""Learned representations: any ONNX model that turns audio into frame features (docs/learned-view.md)."""

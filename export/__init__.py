"""Trained models as SavedModels for TensorFlow Serving: writing, checking, calling them."""

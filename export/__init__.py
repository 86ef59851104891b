"""Trained models in use: SavedModels for TensorFlow Serving, a client, and models on files."""

"""Pretraining of the small SAM that the studio ships."""

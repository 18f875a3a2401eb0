"""The synthetic quarter of communityplan, drawn by hand in `plan` and filled in by rule."""

"""Voice: audio, Vosk and its models, biasing by the catalogue, streams; what was heard, as hypotheses for search."""

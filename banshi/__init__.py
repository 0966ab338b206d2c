"""The front door: settings, command line, and putting the rooms together."""

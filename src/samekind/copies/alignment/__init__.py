"""Laying one picture on another: the map, where they overlap and how they differ there, and what lies around."""

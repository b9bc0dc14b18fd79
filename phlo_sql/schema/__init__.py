"""Schemas as values: types in every spelling, differences, compatibility, and file formats."""

"""Reads tables, catalogs and servers; never writes."""

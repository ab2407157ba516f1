"""Market data: files and the lake, manifests, quality, repair, resampling, sources.

May import `core`; nothing above it. Heavy libraries are imported where they are used.
Read first: `files.read_bars` for a bare file, then `lake.Lake`.
"""

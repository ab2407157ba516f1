"""HTTP and WebSocket: what a person sees of a workspace, and the few things they may ask of it.

Read `app.build_app` first. It reads the journal and the files beside it, in a process of its own,
and asks the trader by its inbox, as the command line does: trading never waits for it. May import
everything but `cli`; nothing below `cli` imports it.
"""

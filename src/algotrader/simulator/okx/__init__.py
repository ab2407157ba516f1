"""An exchange on this machine that speaks OKX v5: REST and WebSocket on one port.

`exchange.Exchange` is the venue itself: deterministic, without a clock and without I/O. `api.Api`
speaks REST to it, `sockets.Session` the channels, `faults.Faults` spoil both; `server` alone
opens a port. Everything but `server` can be driven in virtual time.
Read first: `exchange.Exchange.step`, then `api.Api.handle`.
"""

"""Where data comes from: exchanges by ccxt, and other programs' files. One thin file each."""

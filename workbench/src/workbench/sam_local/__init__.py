"""The functions in real containers, through `sam local`, with the local cloud behind them."""

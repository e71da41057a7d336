"""State machines as drawings: their graph, its layout, and its forms."""

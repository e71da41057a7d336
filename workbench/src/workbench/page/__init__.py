"""A page that shows what happened: each workflow as a graph, and the way of each execution."""

"""An AWS on the laptop: MiniStack with patches, and the application's services beside it."""

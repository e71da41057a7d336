"""An AWS on the laptop: MiniStack with patches, PostgreSQL, a rates API and a partner's webhook."""

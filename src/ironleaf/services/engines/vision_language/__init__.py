"""The VL engine: any OpenAI-compatible server that sees images. Import from its modules: settings load no client."""

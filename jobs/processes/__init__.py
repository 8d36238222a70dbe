"""FACE: the operating system processes of IronForge, started, watched and stopped by one supervisor."""

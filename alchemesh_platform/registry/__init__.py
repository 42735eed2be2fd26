"""The mesh's memory: what stands, what stood, and who did what."""

"""Parts of `alchemesh contract`: shared helpers, and the commands for notices."""

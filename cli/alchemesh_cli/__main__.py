"""``python -m alchemesh_cli`` is `alchemesh`."""

from alchemesh_cli.main import main

main()

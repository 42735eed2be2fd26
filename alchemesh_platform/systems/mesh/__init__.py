"""Records of the mesh: the resources that describe products, ports, assets, contracts and grants."""

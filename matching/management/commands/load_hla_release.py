from matching.management.loading import LoadCommand
from matching.services import release_load


class Command(LoadCommand):
    help = "Load an IPD-IMGT/HLA release from its folder, zip or address, and use it from now on."
    path_help = "folder or zip of one release, with wmda/hla_nom.txt and its neighbours"
    load = staticmethod(release_load)
    said = "IPD-IMGT/HLA {row.version}: {row.entries:,} alleles"

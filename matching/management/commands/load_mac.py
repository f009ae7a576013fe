from matching.management.loading import LoadCommand
from matching.services import mac_load


class Command(LoadCommand):
    help = "Load a table of multiple allele codes (NMDP's numer.v3.txt or .zip), and use it from now on."
    path_help = "the file, plain, .gz or .zip"
    load = staticmethod(mac_load)
    said = "Multiple allele codes {row.version}: {row.entries:,} codes"

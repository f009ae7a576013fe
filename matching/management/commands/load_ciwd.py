from matching.management.loading import LoadCommand
from matching.services import ciwd_load


class Command(LoadCommand):
    help = "Load a table of common and well-documented alleles (CIWD), and warn by it from now on."
    path_help = "the CSV file, such as ciwd.3.0.0.csv"
    load = staticmethod(ciwd_load)
    said = "CIWD {row.version}: {row.entries:,} names"

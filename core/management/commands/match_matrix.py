from core.kernel_commands import KernelCommand
from hla.cli_matrix import MATRIX


class Command(KernelCommand):
    name = "match_matrix"
    help = MATRIX.help

from core.kernel_commands import KernelCommand
from hla.cli import COMPARE


class Command(KernelCommand):
    name = "hla_compare"
    help = COMPARE.help

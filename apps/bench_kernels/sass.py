# SPDX-License-Identifier: Apache-2.0
"""Functions and instructions of a disassembly, as `cuobjdump -sass` prints them.

A line that counts is an address in a comment, an optional guard, an opcode with its modifiers, the
operands and a semicolon; the encoding behind it is ignored. Every opcode belongs to a kind, the
unit in which instructions are counted."""
import re

from command_line import Refusal

FUNCTION = re.compile(r"Function : (\S+)")
INSTRUCTION = re.compile(r"\s*/\*([0-9a-f]{4,})\*/\s+(?:@(!?U?P\w+)\s+)?([A-Z][A-Z0-9_.]*)([^;]*);")
TARGET = re.compile(r"\b0x([0-9a-f]+)\s*$")
WIDTH = re.compile(r"\.(?:[US](8|16)|(64|128))(?:\.|$)")
MMA = re.compile(r"\.(16|8)(8)(32|16|8|4)(?:\.|$)")
WARP_GROUP_MMA = re.compile(r"\.64x(\d+)x(\d+)(?:\.|$)")
MATRICES = re.compile(r"\.M[T8]*88(?:\.([24]))?(?:\.|$)")

# Kinds of memory accesses have the bits of one lane's access in their name, load_global_128, those
# of products the matrices of one warp, mma_16x8x16: a warp has a quarter of a warp group's 64 rows.
MEMORY = {"LDG": "load_global", "LD": "load_global", "STG": "store_global", "ST": "store_global",
          "LDS": "load_shared", "STS": "store_shared"}
KINDS = {
    "copy_async": "LDGSTS UBLKCP UTMALDG UTMASTG",
    "atomic": "ATOM ATOMG ATOMS RED REDG REDUX UTMAREDG",
    "local": "LDL STL",
    "constant": "LDC ULDC LDCU",
    "fp32": "FFMA FADD FMUL FSETP FSEL FMNMX FSET FCHK FSWZADD FRND MUFU",
    "fp16": "HFMA2 HADD2 HMUL2 HMNMX2 HSET2 HSETP2 HFMA",
    "fp64": "DADD DFMA DMUL DSETP",
    "convert": "F2F F2FP I2F F2I I2FP I2I",
    "shuffle": "SHFL VOTE VOTEU MATCH",
    "sync": "BAR LDGDEPBAR DEPBAR ERRBAR CGAERRBAR MEMBAR CCTL CCTLL CCTLT SYNCS FENCE WARPGROUP "
            "UTMACMDFLUSH ARRIVES ACQBULK WARPSYNC NANOSLEEP",
    "control": "BRA BRX JMP JMX BSSY BSYNC BREAK BMOV CALL RET RPCMOV EXIT KILL NOP YIELD BPT UBRA",
    "integer": "IMAD IADD3 IADD LEA SHF SHL SHR LOP3 LOP ISETP SEL PRMT IABS VIADD VIADDMNMX IMNMX "
               "VIMNMX PLOP3 MOV R2UR UR2UP S2R S2UR CS2R R2P P2R SGXT BMSK FLO POPC BREV IDP LEPC "
               "UIADD3 UIMAD USHF ULOP3 ULEA UISETP USEL UMOV UPRMT UPLOP3 UFLO UPOPC USGXT UBMSK "
               "UBREV UP2UR UIABS PLOP IMUL ICMP ELECT ISCADD VABSDIFF",
}
KIND_OF = {name: kind for kind, names in KINDS.items() for name in names.split()}


class MalformedCode(Refusal):
    """The text is no disassembly, or not one whose flow of control can be followed."""


class Instruction:
    __slots__ = ("address", "guard", "opcode", "operands")

    def __init__(self, address, guard, opcode, operands):
        self.address = address
        self.guard = guard
        self.opcode = opcode
        self.operands = operands

    @property
    def name(self):
        return self.opcode.split(".")[0]

    @property
    def kind(self):
        if self.name in MEMORY:
            return "%s_%d" % (MEMORY[self.name], width_of(self.opcode))
        if self.name in ("LDSM", "STSM"):
            return "matrix_x%s" % (MATRICES.search(self.opcode).group(1) or "1")
        if self.name == "HMMA":
            return "mma_%sx%sx%s" % MMA.search(self.opcode).groups()
        if self.name == "HGMMA":
            return "wgmma_16x%sx%s" % WARP_GROUP_MMA.search(self.opcode).groups()
        return KIND_OF.get(self.name, "other")

    def target(self):
        """Address a branch or call goes to; None where a register says so."""
        match = TARGET.search(self.operands.replace(")", " ").strip())
        return int(match.group(1), 16) if match else None


def width_of(opcode):
    """Bits of one lane's access."""
    match = WIDTH.search(opcode)
    return int(match.group(1) or match.group(2)) if match else 32


def functions(lines):
    """(name, instructions) of every function of a disassembly."""
    name, body = None, []
    for line in lines:
        header = FUNCTION.search(line)
        if header:
            if name is not None:
                yield name, checked(name, body)
            name, body = header.group(1), []
            continue
        match = INSTRUCTION.match(line)
        if match and name is not None:
            address, guard, opcode, operands = match.groups()
            body.append(Instruction(int(address, 16), guard, opcode, operands.strip()))
    if name is None:
        raise MalformedCode("there is no function in this text; is it the output of "
                            "cuobjdump -sass?")
    yield name, checked(name, body)


def checked(name, body):
    if not body:
        raise MalformedCode("function %s has no instructions" % name)
    for earlier, later in zip(body, body[1:]):
        if later.address <= earlier.address:
            raise MalformedCode("function %s: address %#x follows %#x" %
                                (name, later.address, earlier.address))
    return body

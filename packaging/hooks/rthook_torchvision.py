# SPDX-License-Identifier: MIT
"""PyInstaller run-time hook: torchvision without its compiled operators.

torchvision's Linux wheels are built for CUDA, and their `_C.so` does not load beside a CPU build of PyTorch; then
`import torchvision` fails with "operator torchvision::nms does not exist". The program needs none of these operators,
so the bundle leaves the library out and declares the two schemas that torchvision looks up, just before torchvision
is imported: declaring them earlier would load torch before the first window.
"""

import sys
from importlib.abc import MetaPathFinder


class _DeclareSchemas(MetaPathFinder):
    library = None  # the declarations live as long as this object

    def find_spec(self, fullname, path=None, target=None):  # noqa: ARG002  # the protocol's arguments
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            import torch

            library = torch.library.Library("torchvision", "DEF")
            library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _DeclareSchemas.library = library
        return None


sys.meta_path.insert(0, _DeclareSchemas())

"""Encoders from elsewhere that are worth trying: where they are, whose they are, and what is known of them here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownEncoder:
    """An encoder that ``samekind wrap`` makes a model of.

    Attributes:
        name: What people call it.
        command: What makes a model file of it.
        parameters: Millions.
        dimension: D of its embeddings.
        licence: Of the weights, as their makers state it.
        learned_from: The data that it learned from, in words.
        measured: What was measured of it with samekind; empty where nothing was.
    """

    name: str
    command: str
    parameters: float
    dimension: int
    licence: str
    learned_from: str
    measured: str = ""


_DINOV2 = "142 million pictures from the web (LVD-142M), without labels"
_WEBLI = "picture and text pairs of the web (WebLI)"
KNOWN = (
    KnownEncoder(
        name="EfficientNet-Lite0",
        command="samekind wrap source.onnx -o lite0.onnx --mean 0.498 --std 0.502 (docs/wrapping.md makes source.onnx)",
        parameters=3.4,
        dimension=1280,
        licence="Apache-2.0",
        learned_from="ImageNet-1k with labels",
        measured="an equal error rate of 10.7 % on five kinds of collections, adapted (docs/wrapping.md)",
    ),
    KnownEncoder(
        name="DINOv2 ViT-S/14 with registers",
        command="samekind wrap timm:vit_small_patch14_reg4_dinov2.lvd142m --size 224 -o dino.onnx",
        parameters=22,
        dimension=384,
        licence="Apache-2.0",
        learned_from=_DINOV2,
    ),
    KnownEncoder(
        name="DINOv2 ViT-B/14 with registers",
        command="samekind wrap timm:vit_base_patch14_reg4_dinov2.lvd142m --size 224 -o dino-b.onnx",
        parameters=86,
        dimension=768,
        licence="Apache-2.0",
        learned_from=_DINOV2,
    ),
    KnownEncoder(
        name="DINOv3 ViT-S/16",
        command="samekind wrap timm:vit_small_patch16_dinov3.lvd1689m -o dino3.onnx",
        parameters=22,
        dimension=384,
        licence="dinov3-license, Meta's own",
        learned_from="1.7 thousand million pictures from the web (LVD-1689M), without labels",
    ),
    KnownEncoder(
        name="SigLIP 2 ViT-B/16",
        command="samekind wrap timm:vit_base_patch16_siglip_224.v2_webli -o siglip2.onnx",
        parameters=93,
        dimension=768,
        licence="Apache-2.0",
        learned_from=_WEBLI,
    ),
    KnownEncoder(
        name="CLIP ViT-B/32 of OpenAI",
        command="samekind wrap timm:vit_base_patch32_clip_224.openai -o clip.onnx",
        parameters=88,
        dimension=768,
        licence="apache-2.0 as timm states it; MIT where OpenAI publishes it",
        learned_from="400 million picture and text pairs of the web, not published",
    ),
    KnownEncoder(
        name="MobileCLIP-S1",
        command="samekind wrap timm:fastvit_mci1.apple_mclip -o mobileclip.onnx",
        parameters=21,
        dimension=1024,
        licence="apple-amlr, Apple's own, for research",
        learned_from="picture and text pairs of the web (DataCompDR)",
    ),
)

# A small image: the program, the C library it is linked with, the time zones, and nothing else. Not root, no shell.
FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock build.rs clippy.toml rustfmt.toml ./
COPY packs packs
COPY src src
# Shown by `storegate_build_info`: docker build --build-arg COMMIT=$(git rev-parse HEAD) .
ARG COMMIT
ENV STOREGATE_COMMIT=${COMMIT:-unknown}
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin storegate \
    && mkdir -p /image/usr/bin /image/usr/share /image/etc /image/tmp \
    && cp target/release/storegate /image/usr/bin/ \
    && cp -a /usr/share/zoneinfo /image/usr/share/ \
    && rm -rf /image/usr/share/zoneinfo/posix /image/usr/share/zoneinfo/right \
    && ldd target/release/storegate | grep -o '/[^ ]*' | xargs -I{} cp --parents --dereference {} /image \
    && printf 'storegate:x:65532:65532::/:/none\n' > /image/etc/passwd \
    && printf 'hosts: files dns\n' > /image/etc/nsswitch.conf \
    && chmod 1777 /image/tmp

# What the program is made of, for those who look for advisories in images.
FROM rust:1.95-bookworm AS sbom
WORKDIR /build
RUN cargo install --locked --root /usr/local cargo-cyclonedx@0.5.9
COPY Cargo.toml Cargo.lock ./
COPY src src
RUN cargo cyclonedx --format json --spec-version 1.5 --no-build-deps --override-filename storegate.cdx

FROM scratch
COPY --from=build /image /
COPY --from=sbom /build/storegate.cdx.json /usr/share/sbom/storegate.cdx.json
USER 65532:65532
EXPOSE 8080
ENV STOREGATE__SERVER__LISTEN=0.0.0.0:8080
HEALTHCHECK --interval=10s --timeout=4s --start-period=2s CMD ["/usr/bin/storegate", "health"]
ENTRYPOINT ["/usr/bin/storegate"]
CMD ["serve", "--config", "/etc/storegate/storegate.toml"]

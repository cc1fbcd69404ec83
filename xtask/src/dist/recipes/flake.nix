# What Nix runs and installs, from the archives of the release. It is written by `cargo xtask dist recipes`.
{
  description = "@description@";

  inputs.nixpkgs.url = "nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      archives = {
        x86_64-linux = {
          target = "x86_64-unknown-linux-musl";
          sha256 = "@x86_64-unknown-linux-musl@";
        };
        aarch64-linux = {
          target = "aarch64-unknown-linux-musl";
          sha256 = "@aarch64-unknown-linux-musl@";
        };
        x86_64-darwin = {
          target = "x86_64-apple-darwin";
          sha256 = "@x86_64-apple-darwin@";
        };
        aarch64-darwin = {
          target = "aarch64-apple-darwin";
          sha256 = "@aarch64-apple-darwin@";
        };
      };
      package =
        system: archive:
        let
          pkgs = nixpkgs.legacyPackages.${system};
        in
        {
          default = pkgs.stdenvNoCC.mkDerivation {
            pname = "sendit";
            version = "@version@";
            src = pkgs.fetchurl {
              url = "@url@/sendit-@version@-${archive.target}.tar.gz";
              inherit (archive) sha256;
            };
            nativeBuildInputs = [ pkgs.installShellFiles ];
            # It needs no library of the system's, and nothing of it has to be changed.
            dontFixup = true;
            installPhase = ''
              install -D sendit -t $out/bin
              ln -s sendit $out/bin/sendit-server
              ln -s sendit $out/bin/sendit-token
              installManPage man/*.1
              installShellCompletion --bash completions/sendit.bash
              installShellCompletion --fish completions/sendit.fish
              installShellCompletion --zsh completions/_sendit
            '';
            meta = {
              description = "@description@";
              homepage = "@home@";
              license = "@license@";
              mainProgram = "sendit";
            };
          };
        };
    in
    {
      packages = builtins.mapAttrs package archives;
    };
}

// Element index of a dispatch made by `workgroups1d`: 64 threads a workgroup, rows of workgroups along y.
fn flatIndex(id: vec3u, groups: vec3u) -> u32 {
  return id.x + id.y * groups.x * 64u;
}

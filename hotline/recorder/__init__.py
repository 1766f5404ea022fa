"""Recording a city's own kit: volunteers read made-up plates, over the telephone or a headset."""
